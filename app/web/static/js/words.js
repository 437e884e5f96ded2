// The words of the page's language. They stand in English here, and in Vietnamese in translations/vi.po.

import { client } from "./page.js";

const { default: messages } = await import(`./messages.${client.language}.js`);

/** The words in the page's language; {name} stands for a value. */
export function t(words, values = {}) {
  const said = messages[words] ?? words;
  return said.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

document.documentElement.dataset.started = "";
