import type { Rendered } from '../rendered.ts'
import { HASH, type Labels, type Service, selects } from './select.ts'

/** What traffic would meet once helm has applied a version. */
export type Traffic = {
  /** The Services of the namespace, as they are now. */
  readonly present: readonly Service[]
  /** What is deployed, and what is to be: Services of these become as the second says. */
  readonly deployed: readonly Rendered[]
  readonly wanted: readonly Rendered[]
  /** The labels of the pods that run, and those that the new version gives its own. */
  readonly pods: readonly Labels[]
  readonly template: Labels
}

/**
 * Why traffic could not be switched between the pods that run and those of the new version, by the Services that there
 * would be: a pin only narrows what a Service selects, so each must select both. Null where it could. Pure.
 */
export function whyNotSwitched({ template, pods, ...traffic }: Traffic): string | null {
  const versions = [...byHash(pods), [template]]
  const reaches = (service: Service) =>
    versions.filter((labels) => labels.some((each) => selects(service, each))).length
  const selecting = servicesAfter(traffic).filter((service) => reaches(service) > 0)
  if (selecting.length === 0) return 'with the new version no Service selects the pods any more'
  const partial = selecting.find((service) => reaches(service) < versions.length)
  return partial === undefined
    ? null
    : `with the new version Service ${partial.metadata.name} selects pods of one version only`
}

/** Pods of one version: some may have lost a label by hand. */
function byHash(pods: readonly Labels[]): readonly (readonly Labels[])[] {
  return [...Map.groupBy(pods, (labels) => labels?.[HASH]).values()]
}

function servicesAfter({ present, deployed, wanted }: Pick<Traffic, 'present' | 'deployed' | 'wanted'>) {
  const rendered = [...deployed, ...wanted].filter(isService)
  const others = present.filter(({ metadata }) => !rendered.some(({ name }) => name === metadata.name))
  const fresh = wanted.filter(isService).map(({ name, body }) => ({ ...body, metadata: { name } }) as Service)
  return [...others, ...fresh]
}

const isService = ({ apiVersion, kind, isHook }: Rendered): boolean =>
  apiVersion === 'v1' && kind === 'Service' && !isHook
