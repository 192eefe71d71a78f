/**
 * True when an event tells nothing new: its version is not above one that was seen on the same resource. Versions of
 * one resource are whole numbers that rise (Kubernetes 1.35 promises it); others are never taken for old.
 */
export function isOld(version: string, seen: string): boolean {
  if (!isNumber(version) || !isNumber(seen)) return false
  return version.length === seen.length ? version <= seen : version.length < seen.length
}

const isNumber = (version: string): boolean => /^[1-9][0-9]*$/.test(version)
