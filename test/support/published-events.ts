import { readFileSync } from 'node:fs'
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { CloudEvent, type CloudEventV1 } from 'cloudevents'
import { isJsonObject, type Json, type JsonObject } from '../../src/core/json.ts'
import { messageOf, type Told, topics } from '../../src/relay/index.ts'

const folder = new URL('../../docs/events/', import.meta.url)
const ajv = formats.default(new Ajv2020({ allErrors: true, strict: false }))
const validators = new Map(topics.map(({ name }) => [name as string, ajv.compile(closed(readSchema(name)))]))

function readSchema(topic: string): Json {
  return JSON.parse(readFileSync(new URL(`${topic}.schema.json`, folder), 'utf8')) as Json
}

/** The types of all topics, as they are without the prefix of CloudEvents. */
export const publishedTypes: readonly string[] = topics.flatMap(({ name }) => {
  const schema = readSchema(name) as { readonly properties: { readonly type: { readonly enum: readonly string[] } } }
  return schema.properties.type.enum.map((type) => type.replace('dev.flotilla.', ''))
})

/** Published schemas let fields be added; a test that takes any would not see that one is missing from them. */
function closed(schema: Json): AnySchema {
  return close(schema) as AnySchema
}

function close(schema: Json, at = ''): Json {
  if (Array.isArray(schema)) return schema.map((each) => close(each))
  if (!isJsonObject(schema)) return schema
  const parts: JsonObject = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, close(part, key)]))
  const isOpen = parts.type !== 'object' || !isJsonObject(parts.properties) || at === 'if'
  return isOpen ? parts : { ...parts, additionalProperties: false }
}

/** What is wrong with the value of a message of a topic, by CloudEvents' own library and by the published schema. */
export function wrongsOf(topic: string, value: string): readonly string[] {
  const event = JSON.parse(value) as CloudEventV1<unknown>
  new CloudEvent(event).validate()
  const validate = validators.get(topic)
  if (validate === undefined) return [`no schema of ${topic}`]
  if (validate(event)) return []
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${event.type} ${instancePath} ${message} ${JSON.stringify(params)}`
  })
}

/** The same of what would be sent of events. */
export function wrongsOfTold(told: readonly Told[]): readonly string[] {
  return told.flatMap((event) => {
    const topic = topics.find(({ kinds }) => kinds.some((kind) => kind === event.subject.kind))
    return wrongsOf(topic?.name ?? event.subject.kind, messageOf(event).value)
  })
}
