const ofOperations = ['install', 'upgrade', 'rollback', 'uninstall', 'recover'].flatMap((kind) =>
  ['requested', 'started', 'applied', 'reverting', 'interrupted', 'repeating', 'succeeded', 'failed', 'cancelled'].map(
    (what) => `release.${kind}.${what}`,
  ),
)
const ofReleases = ['adopted', 'changed', 'uninstalled', 'claimed', 'shown', 'unclaimed']
const ofBatches = ['requested', 'progressed', 'ended']
const ofExecutions = [
  ...['created', 'status-changed', 'batch-started', 'instance-changed', 'instance-removed', 'check-changed'],
  ...['pin-restored', 'pin-moved', 'pin-removed', 'warned', 'approved', 'ending', 'waiting'],
]
const ofRegistry = [
  ...['component.created', 'component.updated', 'version.created', 'version.updated', 'upgrade-path.created'],
]

/** The types of all events, as the schemas in `docs/events` have them. */
export const eventTypes: readonly string[] = [
  ...ofOperations,
  ...ofReleases.map((what) => `release.${what}`),
  ...ofBatches.map((what) => `batch.${what}`),
  ...ofExecutions.map((what) => `execution.${what}`),
  ...ofRegistry.map((what) => `registry.${what}`),
]

/** Whether it is a type of event, or the beginning of one up to a dot. */
export const isEventType = (text: string): boolean =>
  eventTypes.some((type) => type === text || type.startsWith(`${text}.`))

/** What could stand in the place of a text that `isEventType` refuses: what follows on as much of it as is known. */
export function eventTypesNear(text: string): readonly string[] {
  const known = knownPart(text.split('.'))
  const below = known === '' ? eventTypes : eventTypes.filter((type) => type.startsWith(`${known}.`))
  const depth = known === '' ? 1 : known.split('.').length + 1
  return [...new Set(below.map((type) => type.split('.').slice(0, depth).join('.')))].sort()
}

function knownPart(words: readonly string[]): string {
  const text = words.join('.')
  return text === '' || eventTypes.some((type) => type.startsWith(`${text}.`)) ? text : knownPart(words.slice(0, -1))
}
