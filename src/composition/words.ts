import { join } from 'node:path'

/** Says a line to the person at the terminal. Logs are JSON; these lines are for reading. */
export function printWords(line: string): void {
  process.stdout.write(`${line}\n`)
}

export type Welcome = {
  readonly url: string
  readonly home: string
  readonly onPractice: boolean
  readonly presetKey: boolean
}

/** What to do next, after the start. The key itself is not printed: terminals are recorded. */
export function printWelcome({ url, home, onPractice, presetKey }: Welcome): void {
  const key = presetKey ? '"$FLOTILLA_ADMIN_KEY"' : `$(cat ${typed(join(home, 'admin.key'))})`
  const lines = [
    '',
    `Flotilla is ready: ${url}/docs`,
    ...(onPractice ? ['It works on a practice cluster: a simulation of the Kubernetes API; nothing runs in it.'] : []),
    '',
    'Try:',
    `  export KEY=${key} API=${url}/api/v1`,
    '  curl -s $API/helm/releases/summary -H "Authorization: Bearer $KEY"',
    '  curl -s "$API/helm/releases/chart/matih-query-engine/versions" -H "Authorization: Bearer $KEY"',
    '  curl -s -X POST "$API/helm/releases/chart/matih-query-engine/batch-upgrade?targetVersion=1.3.0" -H "Authorization: Bearer $KEY"',
    ...(onPractice ? [`  KUBECONFIG=${typed(join(home, 'practice-cluster', 'kubeconfig'))} kubectl get pods -A`] : []),
    '',
    'More examples stand in README.md. Ctrl-C stops everything; the next start finds it again.',
  ]
  for (const line of lines) printWords(line)
}

/** A path as it is typed at a shell. */
export function typed(path: string): string {
  return /^[\w./:@%+=,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
