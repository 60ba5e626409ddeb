import { decodeUtf8 } from "@synod/core";
import { KEY_VALUE_LIMITS } from "@synod/machines";

/** What a request's path asks for. */
export type Target =
  | { readonly kind: "key"; readonly key: string }
  /** Below `/_synod/`: the node itself. */
  | { readonly kind: "reserved" }
  | { readonly kind: "bad"; readonly status: 400 | 414; readonly message: string };

const RESERVED = "_synod/";
/** Paths of these characters only are their own key. */
const PLAIN = /^\/[!$&-;=@-Z_a-z~]*$/;
const ORIGIN = /^https?:\/\/[^/?]*/i;

/**
 * The key is the percent-decoded path without its first slash; what follows a question mark is
 * ignored.
 */
export function parseTarget(url: string): Target {
  const local = url.startsWith("/") ? url : url.replace(ORIGIN, "");
  const end = local.search(/[?#]/);
  const path = end < 0 ? local : local.slice(0, end);
  if (PLAIN.test(path)) return keyTarget(path.slice(1), path.length - 1);
  if (!path.startsWith("/")) return bad("the path must begin with a slash");
  const bytes = percentDecode(path);
  if (bytes === null) return bad("the path has a % that is not followed by two hex digits");
  if (bytes.length > KEY_VALUE_LIMITS.keyBytesMax) return TOO_LONG;
  const key = decodeUtf8(bytes);
  return key === null ? bad("the decoded path is not valid UTF-8") : keyTarget(key, bytes.length);
}

const TOO_LONG: Target = Object.freeze({
  kind: "bad",
  status: 414,
  message: `a key has at most ${KEY_VALUE_LIMITS.keyBytesMax} bytes`,
});

function keyTarget(key: string, bytes: number): Target {
  if (bytes > KEY_VALUE_LIMITS.keyBytesMax) return TOO_LONG;
  if (key.startsWith(RESERVED)) return { kind: "reserved" };
  if (key !== "") return { kind: "key", key };
  return bad("the key is empty: use /some-key, or see /_synod/status");
}

function bad(message: string): Target {
  return { kind: "bad", status: 400, message };
}

/**
 * The bytes of `path` after its first character, which Node gives as Latin-1; null: a broken
 * digits.
 */
function percentDecode(path: string): Uint8Array | null {
  const bytes = new Uint8Array(path.length - 1);
  let length = 0;
  for (let at = 1; at < path.length; at += 1) {
    let byte = path.charCodeAt(at);
    if (byte === 0x25) {
      const digits = path.slice(at + 1, at + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) return null;
      byte = Number.parseInt(digits, 16);
      at += 2;
    }
    bytes[length] = byte;
    length += 1;
  }
  return bytes.subarray(0, length);
}
