import type { SubjectKind, Uuid } from '../../core/subject.ts'

/** The topics of SPEC section 6, each with the kinds of subjects whose events it carries and the relay that fills it. */
export const topics = [
  { id: '6b1f6c1e-0000-4000-8000-000000000001', name: 'helm.release-events', kinds: ['release', 'batch'] },
  { id: '6b1f6c1e-0000-4000-8000-000000000002', name: 'registry.version-events', kinds: ['component'] },
  { id: '6b1f6c1e-0000-4000-8000-000000000003', name: 'registry.upgrade-orchestration-events', kinds: ['execution'] },
] as const satisfies readonly Topic[]

/** The id is the same in every installation: it names the relay in the engine. */
export type Topic = { readonly id: Uuid; readonly name: TopicName; readonly kinds: readonly SubjectKind[] }
export type TopicName = 'helm.release-events' | 'registry.version-events' | 'registry.upgrade-orchestration-events'

/** The topic that a relay fills; null for an id that is none of them. */
export const topicOf = (id: Uuid): Topic | null => topics.find((topic) => topic.id === id) ?? null
