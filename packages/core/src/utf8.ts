/** Bytes that {@link writeUtf8} will need for `text`. Lone surrogates count as U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(at + 1))) {
      bytes += 4;
      at += 1;
    } else bytes += 3;
  }
  return bytes;
}

/** Writes `text` at `offset`; returns the offset after it. The room must be there. */
export function writeUtf8(target: Uint8Array, offset: number, text: string): number {
  let to = offset;
  for (let at = 0; at < text.length; at += 1) {
    let point = text.charCodeAt(at);
    if (point < 0x80) {
      target[to++] = point;
      continue;
    }
    if (point < 0x800) {
      target[to++] = 0xc0 | (point >> 6);
      target[to++] = 0x80 | (point & 0x3f);
      continue;
    }
    if (isHighSurrogate(point) && isLowSurrogate(text.charCodeAt(at + 1))) {
      point = 0x10000 + ((point - 0xd800) << 10) + (text.charCodeAt(at + 1) - 0xdc00);
      at += 1;
      target[to++] = 0xf0 | (point >> 18);
      target[to++] = 0x80 | ((point >> 12) & 0x3f);
      target[to++] = 0x80 | ((point >> 6) & 0x3f);
      target[to++] = 0x80 | (point & 0x3f);
      continue;
    }
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    target[to++] = 0xe0 | (point >> 12);
    target[to++] = 0x80 | ((point >> 6) & 0x3f);
    target[to++] = 0x80 | (point & 0x3f);
  }
  return to;
}

/** The bytes of `text` in an array of its own. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(bytes, 0, text);
  return bytes;
}

/** Null when the bytes are not well-formed UTF-8 (overlong forms and surrogates included). */
export function decodeUtf8(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string | null {
  let text = "";
  let at = start;
  while (at < end) {
    const first = bytes[at] as number;
    if (first < 0x80) {
      if (at + 8 <= end && isAscii8(bytes, at)) {
        text += ascii8(bytes, at);
        at += 8;
        continue;
      }
      text += String.fromCharCode(first);
      at += 1;
      continue;
    }
    const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || at + length > end) return null;
    let point = first & (0xff >> (length + 1));
    for (let next = at + 1; next < at + length; next += 1) {
      const byte = bytes[next] as number;
      if ((byte & 0xc0) !== 0x80) return null;
      point = (point << 6) | (byte & 0x3f);
    }
    if (length === 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return null;
    if (length === 4 && (point < 0x10000 || point > 0x10ffff)) return null;
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
}

/** Eight at a time, because a string that grows by single characters costs most of the decoding. */
function isAscii8(b: Uint8Array, at: number): boolean {
  const first = (b[at] as number) | (b[at + 1] as number) | (b[at + 2] as number);
  const second = (b[at + 3] as number) | (b[at + 4] as number) | (b[at + 5] as number);
  return (first | second | (b[at + 6] as number) | (b[at + 7] as number)) < 0x80;
}

function ascii8(b: Uint8Array, at: number): string {
  return String.fromCharCode(
    b[at] as number,
    b[at + 1] as number,
    b[at + 2] as number,
    b[at + 3] as number,
    b[at + 4] as number,
    b[at + 5] as number,
    b[at + 6] as number,
    b[at + 7] as number,
  );
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
