#!/usr/bin/env bash
# aarch64_root.sh FOLDER: Debian's CPython for AArch64, with its headers, unpacked into FOLDER/root.
# Nothing is installed on this machine, and its list of packages is left alone.
set -euo pipefail
folder=$(realpath "$1")
mkdir -p "$folder"/{state/lists/partial,cache/archives/partial,root}
: >"$folder/status"
options=(
  -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Acquire::Retries=5
  -o APT::Sandbox::User=root -o Debug::NoLocking=1
  -o Dir::State="$folder/state" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache"
)
apt-get "${options[@]}" -qq update
apt-get "${options[@]}" -qq -y --no-install-recommends --download-only install \
  python3-minimal libpython3-dev libstdc++6
for package in "$folder"/cache/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
rm -rf "$folder"/{state,cache,status}
