import type { Uuid } from '../../core/subject.ts'

/** The id of a key that was preset as free text (`FLOTILLA_ADMIN_KEY`): such a text carries none. */
export const presetKeyId: Uuid = '00000000-0000-4000-8000-000000000001'

const form = /^flo_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/

/** The id that a token names, by which its hash is looked up; the preset's for any other text. */
export function keyIdOf(token: string): Uuid {
  const parts = form.exec(token)
  return parts ? parts.slice(1, 6).join('-') : presetKeyId
}

/** `flo_ID_SECRET` (SECURITY.md). The secret is 256 random bits in base64url. */
export function formatKey(id: Uuid, secret: string): string {
  return `flo_${id.replaceAll('-', '')}_${secret}`
}
