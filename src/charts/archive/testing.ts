import { gzipSync } from 'node:zlib'
import { packFiles } from './tar-writer.ts'

/** Files of a small chart that helm renders, for tests; `more` adds and replaces. */
export function chartFixture(name: string, version: string, more: Record<string, string> = {}): Map<string, Buffer> {
  const files = {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\nappVersion: "1"\n`,
    'values.yaml': 'greeting: hello\n',
    'templates/map.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  greeting: {{ .Values.greeting }}\n',
    ...more,
  }
  return new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))
}

/** That chart, packaged. */
export function packedFixture(name: string, version: string, more: Record<string, string> = {}): Buffer {
  return packFiles(name, chartFixture(name, version, more))
}

/** One raw tar entry, for archives that the packer would never write. */
export function rawEntry(name: string, content: string, type = '0', edit: (header: Buffer) => void = () => {}): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100, 'latin1')
  header.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  header.write(type, 156, 'latin1')
  header.write('ustar\u000000', 257, 'latin1')
  edit(header)
  header.write(' '.repeat(8), 148, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  const padding = Buffer.alloc((512 - (Buffer.byteLength(content) % 512)) % 512)
  return Buffer.concat([header, Buffer.from(content), padding])
}

/** A `.tgz` of raw entries. */
export function rawArchive(...entries: readonly Buffer[]): Buffer {
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))
}
