"""What the tests are made of: files built in memory, mutations, readers, and the real files."""
