import { parseSync } from "vite";

export interface FunctionLength {
  /** Where the function starts, from 1. */
  readonly line: number;
  /** Its lines, each function nested in it counted as one. */
  readonly lines: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function isNode(value: unknown): value is Span & { readonly type: string } {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** Spans of all functions, outer ones before those nested in them. */
function functionSpans(node: unknown, spans: Span[]): Span[] {
  if (Array.isArray(node)) for (const child of node) functionSpans(child, spans);
  else if (isNode(node)) {
    if (/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) {
      spans.push(node);
    }
    for (const child of Object.values(node)) functionSpans(child, spans);
  }
  return spans;
}

/**
 * How long the functions of a file are. A nested function counts as one line of its parent, so that
 * a closure holding several short functions is judged by its own code.
 */
export function functionLengths(path: string, source: string): readonly FunctionLength[] {
  const { program, errors } = parseSync(path, source);
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const lineAt = (offset: number): number => source.slice(0, offset).split("\n").length;
  const spans = functionSpans(program, []);
  return spans.map((span) => {
    const inside = spans.filter((other) => contains(span, other));
    const direct = inside.filter((other) => !inside.some((between) => contains(between, other)));
    const nested = direct.reduce((sum, child) => sum + lineAt(child.end) - lineAt(child.start), 0);
    const line = lineAt(span.start);
    return { line, lines: lineAt(span.end) - line + 1 - nested };
  });
}

function contains(outer: Span, inner: Span): boolean {
  return outer !== inner && outer.start <= inner.start && inner.end <= outer.end;
}
