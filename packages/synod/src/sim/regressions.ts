/** Seeds that once found something, and what it was; they must stay clean. */
export const REGRESSIONS: readonly { readonly seed: number; readonly found: string }[] = [];
