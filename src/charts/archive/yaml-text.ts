import { z } from 'zod'
import { isText } from '../../core/text.ts'

/** A plain value where Chart.yaml has text; whole numbers as `bigint`, which tells `1000` from `1e3` (`intAsBigInt`). */
type Scalar = string | bigint | number | boolean

/** What Flotilla stores of it must be text: YAML can write NUL and halves of characters. */
export const yamlText = z
  .union([z.string(), z.bigint(), z.number(), z.boolean()], 'is not text')
  .transform(asHelm)
  .refine(isText, 'has characters that are no text')

/**
 * As helm reads what is not quoted where it wants text (tried with 3.17 and 4.1): `1.19` is 1.19, but `1.10` is 1.1, `yes` is
 * true, and what has more digits than a float of 32 bits is rounded.
 */
export function asHelm(value: Scalar): string {
  if (typeof value === 'number') return ofFloat(value)
  return typeof value === 'bigint' && BigInt.asUintN(64, value) !== value && BigInt.asIntN(64, value) !== value
    ? ofFloat(Number(value))
    : String(value)
}

/** Go's shortest form of a float of 32 bits: an exponent below -4 and from 6 digits on. */
function ofFloat(value: number): string {
  const rounded = Math.fround(value)
  if (!Number.isFinite(rounded)) return rounded > 0 ? '+Inf' : '-Inf'
  const [digits = '0', exponent = '0'] = shortest(rounded).split('e')
  const sign = Object.is(rounded, -0) ? '-' : ''
  const power = Number(exponent)
  if (rounded === 0 || (power >= -4 && power < 6)) return `${sign}${Number(`${digits}e${exponent}`)}`
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** The fewest digits that give the same float of 32 bits again. */
function shortest(value: number): string {
  for (let more = 0; more < 9; more++) {
    const text = value.toExponential(more)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential()
}
