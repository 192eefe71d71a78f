/** A number of things, or a percentage of all of them such as `25%`. */
export type IntOrPercent = number | string

/** What an int-or-percent means for `total` things. */
export function resolve(value: IntOrPercent, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value
  if (!value.endsWith('%')) return Number(value) || 0
  const exact = (Number(value.slice(0, -1)) * total) / 100
  return (round === 'up' ? Math.ceil(exact) : Math.floor(exact)) || 0
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** The value of a resource quantity such as `500m` or `1Gi`; what is no quantity counts as 0. */
export function quantity(text: string | number | undefined): number {
  const match = /^([+-]?[0-9.]+(?:e[+-]?[0-9]+)?)([a-zA-Z]{0,2})$/.exec(String(text ?? '0'))
  return match === null ? 0 : Number(match[1]) * (suffixes[match[2] ?? ''] ?? 0)
}

/** A quantity as the API writes it, of CPU in thousandths and of anything else in the largest unit that fits. */
export function formatQuantity(resource: string, value: number): string {
  if (resource.endsWith('cpu')) return value % 1 === 0 ? String(value) : `${Math.round(value * 1000)}m`
  const unit = ['Gi', 'Mi', 'Ki'].find((each) => value !== 0 && value % (suffixes[each] ?? 1) === 0)
  return unit === undefined ? String(value) : `${value / (suffixes[unit] ?? 1)}${unit}`
}
