"""Checks of a page's layout and text: functions that run within it."""

PROBLEMS = r"""
() => {
  const problems = [];
  const require = (good, problem) => { if (!good) problems.push(problem); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (it) => `${it.tagName.toLowerCase()} '${it.innerText || it.name}'`;

  require(document.documentElement.lang === "en", "no language");
  require(document.title.endsWith(" · PromptVault"), "no title");
  require(all("h1").length === 1, "not one main heading");
  require(all("main").length === 1, "not one main part");
  require(!all("main h3, main h4").length, "a heading's level is left out");
  for (const it of all("input:not([type=hidden])")) {
    require(it.labels.length === 1, `not one label: ${it.name}`);
    require(it.autocomplete, `no autocomplete: ${it.name}`);
  }
  for (const it of all("[aria-describedby]"))
    for (const id of it.getAttribute("aria-describedby").split(" "))
      require(document.getElementById(id), `described by nothing: ${id}`);
  for (const it of all("a, button")) require(it.innerText.trim(), "no words");
  for (const it of all("img")) require(it.hasAttribute("alt"), "an image without alt");
  const ids = all("[id]").map((it) => it.id);
  require(new Set(ids).size === ids.length, "an id is not unique");
  for (const it of all("*"))
    for (const { name, value } of it.attributes)
      require(!/^(on|style$)/.test(name) && !/^\s*javascript:/i.test(value),
              `a script or a style in ${name}`);
  require(!all("script:not([src^='/pages/']), iframe, object, style").length,
          "a script, frame or style");

  const wide = document.documentElement;
  require(wide.scrollWidth <= wide.clientWidth, "scrolls sideways");
  for (const it of all("main *"))
    require(it.getBoundingClientRect().right <= wide.clientWidth, `cut: ${name(it)}`);
  for (const it of all("button, input:not([type=hidden])"))
    require(it.getBoundingClientRect().height >= 44, `small to touch: ${name(it)}`);

  // Contrast as WCAG 2 defines it; colours with alpha lie on what is behind them.
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = ([r, g, b, a], under) =>
    [r, g, b].map((part, at) => part * a + under[at] * (1 - a));
  const behind = (it) => {
    const own = parse(getComputedStyle(it).backgroundColor);
    if (own[3] === 1) return own.slice(0, 3);
    if (it.parentElement) return over(own, behind(it.parentElement));
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return over(own, dark ? [0, 0, 0] : [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255).map(
      (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (front, back) => {
    const [low, high] = [front, back].map(luminance).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const needs = (least, colour, back, what) => {
    const found = contrast(over(parse(colour), back), back);
    require(found >= least, `contrast ${found.toFixed(2)}: ${what}`);
  };
  const speaks = (it) => it.checkVisibility() && [...it.childNodes].some(
    (node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  for (const it of all("body *").filter(speaks))
    needs(4.5, getComputedStyle(it).color, behind(it), name(it));
  for (const it of all("input:not([type=hidden])")) {
    needs(4.5, getComputedStyle(it).color, behind(it), it.name);
    needs(4.5, getComputedStyle(it, "::placeholder").color, behind(it), "placeholder");
    needs(3, getComputedStyle(it).borderColor, behind(it.parentElement), "a border");
  }

  require(all("body *").filter(speaks).length > 2, "nothing to read");
  return problems;
}
"""

FOCUS = r"""
() => {
  const it = document.activeElement;
  if (it === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(it);
  const { top, left } = it.getBoundingClientRect();
  return {
    name: it.id || it.innerText,
    isVisible: outlineStyle === "solid" && parseFloat(outlineWidth) >= 2,
    place: [Math.round(top + scrollY), Math.round(left)],
  };
}
"""

REACHABLE = r"""
() => [...document.querySelectorAll(
  "a, button, select, input:not([type=hidden]), [tabindex='0']")].map(
  (it) => it.id || it.innerText)
"""
