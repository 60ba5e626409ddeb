/**
 * A running hash of everything that happened: two worlds with equal chains did the same things at
 * the same virtual times. Two 32-bit lanes, cheap enough for every event.
 */
export class HashChain {
  #a = 0x9747b28c;
  #b = 0x2545f491;

  /** Mixes in a whole number or a time in ms (to the 1/4096). */
  add(value: number): void {
    const scaled = Math.floor(value * 4096);
    const low = scaled | 0;
    const high = Math.floor(scaled / 0x1_0000_0000) | 0;
    this.#mix(low);
    if (high !== 0) this.#mix(high);
  }

  addBytes(bytes: Uint8Array): void {
    const words = bytes.length & ~3;
    for (let at = 0; at < words; at += 4) {
      this.#mix(
        (bytes[at] as number) |
          ((bytes[at + 1] as number) << 8) |
          ((bytes[at + 2] as number) << 16) |
          ((bytes[at + 3] as number) << 24),
      );
    }
    let tail = bytes.length;
    for (let at = words; at < bytes.length; at += 1) tail = (tail << 8) | (bytes[at] as number);
    this.#mix(tail);
  }

  /** 16 hex digits. */
  digest(): string {
    return hex(this.#a) + hex(this.#b);
  }

  #mix(word: number): void {
    let k = Math.imul(word, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    const a = this.#a ^ k;
    this.#a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    const b = this.#b ^ Math.imul(word, 0x239b961b);
    this.#b = (Math.imul((b << 17) | (b >>> 15), 9) + 0x561ccd1b) | 0;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
