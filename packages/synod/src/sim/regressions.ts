/** Seeds that once found something, and what it was; they must stay clean. */
export const REGRESSIONS: readonly { readonly seed: number; readonly found: string }[] = [
  {
    seed: 154,
    found: "a node whose barriers cannot be chosen asks for more of them, until they are many",
  },
  { seed: 88, found: "a copy put back after a wipe, though no later start of it was ever met" },
  {
    seed: 81,
    found: "the last chunks of a state are asked for of nobody but members that are gone",
  },
];
