import { z } from 'zod'

/** The name of a chart source or of a namespace: an RFC 1123 label. */
export const dnsLabel = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a DNS label: a-z, 0-9 and -')
