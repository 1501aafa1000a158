/* The page's behaviour: theme, drawer, contents of the page, copy buttons, scroll boxes. */
(function () {
  "use strict";
  const root = document.documentElement;
  const wide = matchMedia("(min-width: 72em)");
  const roomy = matchMedia("(min-width: 60em)");

  function remember(theme) {
    try {
      localStorage.setItem("bk-theme", theme);
    } catch {
      /* A page from disk may have no storage: the choice then lasts as long as the page. */
    }
  }

  function themeButton() {
    const button = document.querySelector(".bk-theme");
    const show = () => button.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
    button.addEventListener("click", () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      remember(root.dataset.theme);
      show();
      document.dispatchEvent(new CustomEvent("bk-theme"));
    });
    show();
  }

  function drawer() {
    const button = document.querySelector(".bk-menu");
    const contents = document.getElementById("contents");
    const backdrop = document.querySelector(".bk-backdrop");
    const set = (open) => {
      root.classList.toggle("bk-drawer-open", open);
      button.setAttribute("aria-expanded", String(open));
      backdrop.hidden = !open;
    };
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      set(open);
      if (open) contents.querySelector("[aria-current], a").focus();
    });
    backdrop.addEventListener("click", () => set(false));
    contents.addEventListener("click", (event) => {
      if (event.target.closest("a")) set(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && root.classList.contains("bk-drawer-open")) {
        set(false);
        button.focus();
      }
    });
    document.addEventListener("focusin", (event) => {
      if (
        root.classList.contains("bk-drawer-open") &&
        !contents.contains(event.target) &&
        event.target !== button
      )
        set(false);
    });
    roomy.addEventListener("change", () => set(false));
    const current = contents.querySelector("[aria-current]");
    if (current && roomy.matches)
      contents.scrollTop = current.offsetTop - contents.clientHeight / 3;
  }

  function pageContents() {
    const box = document.querySelector(".bk-aside details");
    if (!box) return;
    const open = () => (box.open = wide.matches);
    open();
    wide.addEventListener("change", open);
    box.addEventListener("click", (event) => {
      if (event.target.closest("a") && !wide.matches) box.open = false;
    });
    const links = [...box.querySelectorAll("a")];
    const targets = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
    let waiting = false;
    const mark = () => {
      waiting = false;
      let now = -1;
      targets.forEach((target, i) => {
        if (target && target.getBoundingClientRect().top < innerHeight * 0.3) now = i;
      });
      links.forEach((link, i) => {
        if (i === now) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      });
    };
    addEventListener(
      "scroll",
      () => {
        if (!waiting) requestAnimationFrame(mark);
        waiting = true;
      },
      { passive: true }
    );
    requestAnimationFrame(mark);
  }

  /* A formula in the text that is wider than the text gets a box to scroll in. */
  function wrapWideFormulas() {
    const isWide = (math) => {
      const block = math.closest("p, li, td, th, dd, figcaption, summary, .admonition-title");
      return block && math.getBoundingClientRect().width > block.clientWidth;
    };
    // All are measured before the first is moved: each change would cost a layout of the page.
    const wide = [...document.querySelectorAll(".bk-text math:not([display=block])")].filter(isWide);
    wide.forEach((math) => {
      if (math.parentElement.matches(".bk-scroll")) return;
      const box = document.createElement("span");
      box.className = "bk-scroll";
      math.replaceWith(box);
      box.append(math);
    });
  }

  /* A box that scrolls sideways can be reached with the keyboard, and only such a box. */
  function scrollBoxes() {
    const names = [
      [".bk-text .math-scroll", "Formula"],
      [".bk-text pre", "Code"],
      [".bk-text .table-wrapper, .bk-text .output.text_html", "Table"],
      [".bk-text .bk-scroll", "Formula"],
    ];
    const boxes = names.flatMap(([selector, label]) =>
      [...document.querySelectorAll(selector)].map((box) => [box, label])
    );
    const label = (box, name, scrolls) => {
      if (scrolls === box.hasAttribute("tabindex")) return;
      if (scrolls) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", name);
      } else ["tabindex", "role", "aria-label"].forEach((a) => box.removeAttribute(a));
    };
    const nameOf = new Map(boxes);
    const observer = new ResizeObserver((entries) => {
      const measured = entries.map(({ target }) => [target, target.scrollWidth > target.clientWidth + 1]);
      measured.forEach(([box, scrolls]) => label(box, nameOf.get(box), scrolls));
    });
    boxes.forEach(([box]) => observer.observe(box));
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      /* Pages from disk have no clipboard of their own. */
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  function copyButtons() {
    document.querySelectorAll(".bk-text .cell_input pre, .bk-text div[class*=highlight-] > .highlight > pre").forEach((pre) => {
      const box = pre.closest(".highlight");
      if (pre.closest(".cell_output") || box.querySelector(".bk-copy")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "bk-copy";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy the code");
      button.addEventListener("click", async () => {
        const done = await copy(pre.innerText.replace(/\n$/, ""));
        button.textContent = done ? "Copied" : "Press Ctrl+C";
        setTimeout(() => (button.textContent = "Copy"), 1600);
      });
      box.append(button);
    });
  }

  /* A link into a folded box opens it. */
  function openTarget() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    let box = target.closest("details");
    if (!box) return;
    for (; box; box = box.parentElement.closest("details")) box.open = true;
    target.scrollIntoView();
  }

  themeButton();
  drawer();
  copyButtons();
  pageContents();
  document.fonts.ready.then(() => {
    wrapWideFormulas();
    scrollBoxes();
  });
  openTarget();
  addEventListener("hashchange", openTarget);
})();
