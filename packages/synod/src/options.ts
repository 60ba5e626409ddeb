import { InvalidArgumentError } from "commander";

/** Parsers of option values; what they throw becomes a usage error that names the option. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Node ids as a list with commas. */
export function nodeIds(text: string): number[] {
  const parse = wholeNumber(0, 65_535);
  return text.split(",").map((id) => parse(id.trim()));
}

/** Numbers by name, `electionMs=300,priority=2`; an option given twice adds to the first. */
export function numbersByName(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const numbers: Record<string, number> = { ...before };
  for (const part of text.split(",")) {
    const [, name, value] = /^\s*([A-Za-z]+)=(\d{1,9})\s*$/.exec(part) ?? [];
    if (name === undefined)
      throw new InvalidArgumentError(`"${part}" is not of the form name=number.`);
    numbers[name] = Number(value);
  }
  return numbers;
}

/** `--url` may be given several times, and as a list with commas. */
export function collectUrls(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(",").map(parseUrl)];
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== "http:" || url.pathname !== "/" || url.search !== "")
    throw new InvalidArgumentError(`"${text}" is not of the form http://host:port.`);
  return url.origin;
}
