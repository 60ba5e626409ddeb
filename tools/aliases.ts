import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Tests run from source: no build stands between an edit and its test. */
export const alias = [
  {
    find: /^@synod\/core\/protocols\/([^/]+)$/,
    replacement: `${root}packages/core/src/protocols/$1/index.ts`,
  },
  { find: /^@synod\/([^/]+)$/, replacement: `${root}packages/$1/src/index.ts` },
];
