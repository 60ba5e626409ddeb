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
