/**
 * Hears the readable course of a life: faults, elections, crashes, violations. Times in virtual ms.
 */
export type Story = (atMs: number, text: string) => void;
