/** The version of Kubernetes whose API is simulated; `+practice` says that it is. */
export const GIT_VERSION = 'v1.35.4+practice'

/** The body of `/version`. */
export const VERSION = {
  major: '1',
  minor: '35',
  emulationMajor: '1',
  emulationMinor: '35',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '34',
  gitVersion: GIT_VERSION,
  gitCommit: 'simulated',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'none (simulated by flotilla practice-cluster)',
  compiler: 'none',
  platform: 'practice/simulated',
} as const
