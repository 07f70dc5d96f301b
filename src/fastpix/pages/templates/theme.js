// The colours of the page: those of the system, light or dark.

const choices = [...document.querySelectorAll("[data-theme-choice]")];
for (const button of choices) {
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = button.dataset.themeChoice;
    for (const each of choices) each.setAttribute("aria-pressed", String(each === button));
  });
}
