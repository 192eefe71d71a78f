import { createHmac } from 'node:crypto'
import type { Instant } from '../core/instant.ts'

/**
 * The value of `Flotilla-Signature`: `t=UNIX_SECONDS,v1=HEX`, where HEX is HMAC-SHA256 over `UNIX_SECONDS.BODY`. The time
 * is signed too, so that a receiver can refuse what somebody recorded and sends again later.
 */
export function signature(secret: string, body: string, now: Instant): string {
  const t = Math.floor(now / 1000)
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`
}
