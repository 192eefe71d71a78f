/** An RFC 9562 UUID in lower case. */
export type Uuid = string

/**
 * What events are about, and what the engine works on. Each kind has one machine at most (a component has none: it only
 * changes by commands); each subject at most one worker at a time. A sink is a webhook, a relay a topic of a broker.
 */
export type SubjectKind = 'release' | 'execution' | 'batch' | 'cluster' | 'component' | 'sink' | 'relay'
export type Subject = { readonly kind: SubjectKind; readonly id: Uuid }

/** Who asked for something: taken from the token, never from a body. */
export type Principal = {
  readonly id: string
  /** How the caller appears in `performedBy`. */
  readonly name: string
  readonly role: Role
  /** Tenants the caller may see; a platform-admin sees all. */
  readonly tenants: 'all' | readonly Uuid[]
}

export const roles = ['platform-admin', 'tenant-operator', 'viewer'] as const
export type Role = (typeof roles)[number]
