import { type OpenApiDocument, type OpenApiOperation, type OpenApiParameter, statusWords } from './openapi.ts'

/** The page's only style; its hash stands in the Content-Security-Policy. */
export const docsStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem; text-transform: capitalize }
details { border: 1px solid #8886; border-radius: 6px; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer }
code, pre { font: .9em ui-monospace, monospace }
pre { overflow-x: auto; background: #8881; padding: .75rem; border-radius: 4px }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8883 }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600 }
.quiet { opacity: .7 }
`

type Entry = { readonly path: string; readonly method: string; readonly operation: OpenApiOperation }

/** The document as one page of HTML without scripts: operations by tag, then the named schemas. */
export function docsPage(document: OpenApiDocument): string {
  const { title, version, description } = document.info
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} API</title><style>${docsStyle}</style></head><body>
<h1>${escapeHtml(title)} API <small class="quiet">${escapeHtml(version)}</small></h1>
<p>${escapeHtml(description)} The same as a machine reads it: <a href="/openapi.json">openapi.json</a>.</p>
<p>Send <code>Authorization: Bearer KEY</code>. Errors are <code>application/problem+json</code>.</p>
${[...byTag(document)].map(([tag, entries]) => section(tag, entries)).join('\n')}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components.schemas)
  .map(([name, schema]) => schemaDetails(name, schema))
  .join('\n')}
</body></html>
`
}

function byTag(document: OpenApiDocument): Map<string, Entry[]> {
  const tags = new Map<string, Entry[]>()
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? 'other'
      tags.set(tag, [...(tags.get(tag) ?? []), { path, method: method.toUpperCase(), operation }])
    }
  return tags
}

function section(tag: string, entries: readonly Entry[]): string {
  return `<h2>${escapeHtml(tag)}</h2>\n${entries.map(operationDetails).join('\n')}`
}

function operationDetails({ path, method, operation }: Entry): string {
  return `<details id="${escapeHtml(operation.operationId)}"><summary><span class="method">${method}</span>
<code>${escapeHtml(path)}</code> <span class="quiet">${escapeHtml(operation.summary)}</span></summary>
${operation.description ? `<p>${escapeHtml(operation.description)}</p>` : ''}
<p class="quiet">Needs: ${escapeHtml(need(operation))}</p>
${parameterTable(operation.parameters)}
${bodyPart(operation)}
<h4>Answers</h4>${Object.entries(operation.responses).map(answer).join('')}
</details>`
}

function need(operation: OpenApiOperation): string {
  const permission = operation['x-permission']
  return permission.scope === 'public' ? 'nothing' : `${permission.action} (${permission.scope})`
}

function parameterTable(parameters: readonly OpenApiParameter[]): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(
    (p) => `<tr><td><code>${escapeHtml(p.name)}</code>${p.required ? ' *' : ''}</td><td>${p.in}</td>
<td><code>${json(p.schema)}</code></td><td>${escapeHtml(p.description ?? '')}</td></tr>`,
  )
  return `<h4>Parameters</h4><table>${rows.join('')}</table>`
}

function bodyPart({ requestBody }: OpenApiOperation): string {
  const schema = requestBody?.content['application/json']?.schema
  return schema ? `<h4>Body${requestBody?.required ? ' *' : ''}</h4><pre>${json(schema, 2)}</pre>` : ''
}

function answer([status, response]: [string, OpenApiOperation['responses'][string]]): string {
  const content = Object.entries(response.content ?? {}).map(
    ([type, { schema }]) =>
      `<details><summary><code>${escapeHtml(type)}</code></summary><pre>${json(schema, 2)}</pre></details>`,
  )
  return `<p><b>${escapeHtml(status)}</b> ${escapeHtml(statusWords(status))}: ${escapeHtml(response.description)}</p>${content.join('')}`
}

function schemaDetails(name: string, schema: unknown): string {
  const id = escapeHtml(name)
  return `<details id="schema-${id}"><summary><code>${id}</code></summary><pre>${json(schema, 2)}</pre></details>`
}

function json(value: unknown, indent?: number): string {
  const text = escapeHtml(JSON.stringify(value, null, indent))
  return text.replace(/#\/components\/schemas\/([A-Za-z]+)/g, '<a href="#schema-$1">$1</a>')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char)
}
