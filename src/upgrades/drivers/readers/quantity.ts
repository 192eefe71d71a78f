const factors: Readonly<Record<string, number>> = {
  ...{ '': 1, n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
}

/** A quantity of the API as a number: CPUs, bytes or a count; null for what is none. */
export function quantity(value: unknown): number | null {
  const text = typeof value === 'number' ? String(value) : value
  const found =
    typeof text === 'string' ? /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([A-Za-z]{0,2})$/.exec(text) : null
  const factor = factors[found?.[2] ?? 'none']
  return found === null || factor === undefined ? null : Number(found[1]) * factor
}
