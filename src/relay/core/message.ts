import type { JsonObject } from '../../core/json.ts'
import type { Subject, Uuid } from '../../core/subject.ts'

/** What a message tells of. */
export type Told = {
  readonly id: Uuid
  readonly subject: Subject
  readonly seq: number
  readonly tenantId: Uuid | null
  readonly type: string
  readonly data: JsonObject
  /** ISO 8601, in UTC. */
  readonly at: string
}

/** A message as a broker takes it: the key keeps those of one release or execution in one partition, and so in order. */
export type Message = {
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** CloudEvents asks for a reversed domain name before the type. */
const typePrefix = 'dev.flotilla.'
const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' } as const

/**
 * An event as a CloudEvent 1.0 in structured mode (docs/events). `id` is the same each time it is sent, and `sequence`
 * counts the events of the subject from 1 without gaps: who has seen a number may leave out what comes again.
 */
export function messageOf(told: Told): Message {
  return message(told, { datacontenttype: 'application/json', data: told.data })
}

/** The same for an event that the broker finds too large: without its data, which `dataref` says where to read. */
export function referenceOf(told: Told): Message {
  return message(told, { dataref: placeOf(told.subject) })
}

function message({ id, subject, seq, tenantId, type, at }: Told, content: JsonObject): Message {
  const event = {
    specversion: '1.0',
    id,
    source: `/flotilla/${subject.kind}s`,
    type: `${typePrefix}${type}`,
    subject: subject.id,
    time: at,
    sequence: String(seq),
    partitionkey: subject.id,
    ...(tenantId === null ? {} : { tenantid: tenantId }),
    ...content,
  }
  return { key: subject.id, value: JSON.stringify(event), headers }
}

function placeOf({ kind, id }: Subject): string {
  if (kind === 'release') return `/api/v1/helm/releases/${id}/events`
  if (kind === 'execution') return `/api/v1/registry/upgrades/${id}/events`
  return `/api/v1/events?type=${kind === 'batch' ? 'batch' : 'registry'}`
}
