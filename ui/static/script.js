// What a page does beyond its HTML: "/" goes to the search box, Copy copies,
// menus close. All pages work without it.
"use strict";

const search = document.getElementById("q");
const menus = ":is(.menu, .danger)[open]"; // what lies over the page

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll(menus)) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    }
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(menus)) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});

// Copy takes the code beside the button. Prompts are drawn by the style sheet
// and are no part of it.
async function copy(button) {
  const code = button.parentElement.querySelector("code");
  let done = false;
  try {
    await navigator.clipboard.writeText(code.textContent);
    done = true;
  } catch {
    // The clipboard is closed to pages served by plain HTTP: select the text and
    // use the old way.
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    done = document.execCommand("copy");
  }
  say(button, done ? "Copied" : "Selected");
}

// The new word stands where the old one stood, and is read out.
function say(button, word) {
  const before = button.textContent;
  if (button.dataset.busy) return;
  button.dataset.busy = "yes";
  button.textContent = word;
  spoken.textContent = word;
  setTimeout(() => {
    button.textContent = before;
    spoken.textContent = "";
    delete button.dataset.busy;
  }, 1600);
}

// A form is sent once, however often its button is pressed, until its page is
// shown again.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

const spoken = document.createElement("p");
spoken.className = "vh";
spoken.setAttribute("role", "status");
document.body.append(spoken);

// What scrolls sideways is scrolled by keyboard, too.
for (const box of document.querySelectorAll("pre, .scroll")) {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}

// The current tab of a row that scrolls is brought into view, sideways only.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const tabs = tab.parentElement;
  const over = tab.offsetLeft + tab.offsetWidth - tabs.offsetLeft - tabs.clientWidth;
  if (over > 0) tabs.scrollLeft = over + 24;
}
