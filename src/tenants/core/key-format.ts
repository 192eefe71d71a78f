import type { Uuid } from '../../core/subject.ts'

/** The id of a key that was preset as free text (`FLOTILLA_ADMIN_KEY`): such a text carries none. */
export const presetKeyId: Uuid = '00000000-0000-4000-8000-000000000001'

const form = /^flo_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/

/** The id that a token names, by which its hash is looked up; the preset's for any other text. */
export function keyIdOf(token: string): Uuid {
  if (!form.test(token)) return presetKeyId
  const part = (from: number, to: number) => token.slice(4 + from, 4 + to)
  return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20, 32)}`
}

/** `flo_ID_SECRET` (SECURITY.md). The secret is 256 random bits in base64url. */
export function formatKey(id: Uuid, secret: string): string {
  return `flo_${id.replaceAll('-', '')}_${secret}`
}
