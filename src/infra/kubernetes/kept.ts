import type { ManifestObject } from './manifest.ts'

/** Why Helm leaves an object behind; null when it deletes it. */
export function whyKept({ annotations, hook }: ManifestObject): string | null {
  if (annotations['helm.sh/resource-policy']?.trim().toLowerCase() === 'keep') return 'kept by its resource policy'
  return hook === null ? null : 'made by a hook'
}
