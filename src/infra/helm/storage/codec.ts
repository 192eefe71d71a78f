import { gunzipSync, gzipSync } from 'node:zlib'
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { keptText } from '../../../core/text.ts'
import {
  isHelmStatus,
  isRevision,
  type RecordedChart,
  type ReleaseInfo,
  type ReleaseRecord,
  UnreadableRecordError,
} from './record.ts'

const unpackedLimit = 32 << 20

/** Reads `data.release` of a Secret: base64 of base64 of gzip of JSON. Throws `UnreadableRecordError`. */
export function decodeRelease(data: string): JsonObject {
  const raw = parse(unpack(Buffer.from(Buffer.from(data, 'base64').toString('latin1'), 'base64')))
  if (!isJsonObject(raw)) throw new UnreadableRecordError('the record is no JSON object')
  return raw
}

/** The inverse of `decodeRelease`. */
export function encodeRelease(raw: JsonObject): string {
  const packed = gzipSync(JSON.stringify(raw), { level: 9 })
  return Buffer.from(packed.toString('base64'), 'latin1').toString('base64')
}

/** What of the decoded JSON Flotilla uses. Throws `UnreadableRecordError` when what a record must have is missing. */
export function readRelease(raw: JsonObject): ReleaseRecord {
  return {
    name: need(text(raw.name), 'name'),
    namespace: need(text(raw.namespace), 'namespace'),
    version: readVersion(raw.version),
    info: readInfo(object(raw.info)),
    chart: readChart(object(raw.chart)),
    config: object(raw.config),
    manifest: text(raw.manifest) ?? '',
    hooks: Array.isArray(raw.hooks) ? raw.hooks.filter(isJsonObject) : [],
    applyMethod: raw.apply_method === 'ssa' || raw.apply_method === 'csa' ? raw.apply_method : null,
  }
}

function unpack(packed: Buffer): Buffer {
  // Helm before 3 wrote no gzip; nothing supported still does.
  try {
    return gunzipSync(packed, { maxOutputLength: unpackedLimit })
  } catch (error) {
    throw new UnreadableRecordError('the record cannot be unpacked, or is larger than 32 MiB', { cause: error })
  }
}

function parse(json: Buffer): Json {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    // Without the cause: a parser's message quotes the text, and the text holds values.
    throw new UnreadableRecordError('the record is no JSON')
  }
}

function readVersion(value: Json | undefined): number {
  if (typeof value !== 'number' || !isRevision(value)) {
    throw new UnreadableRecordError('the record has no revision number')
  }
  return value
}

function readInfo(info: JsonObject): ReleaseInfo {
  const status = text(info.status) ?? ''
  if (!isHelmStatus(status)) throw new UnreadableRecordError('the record has an unknown status')
  return {
    status,
    description: kept(info.description) ?? '',
    firstDeployed: text(info.first_deployed),
    lastDeployed: text(info.last_deployed),
  }
}

function readChart(content: JsonObject): RecordedChart {
  const metadata = object(content.metadata)
  return {
    metadata: {
      name: label(metadata.name, 'name'),
      version: label(metadata.version, 'version'),
      appVersion: kept(metadata.appVersion),
    },
    content,
  }
}

/** Helm's own limit is 250 characters for a name, semver's 256 for a version: releases are looked up by both. */
const longestLabel = 256

function label(value: Json | undefined, what: string): string {
  const words = kept(value) ?? ''
  if (words.length > longestLabel) throw new UnreadableRecordError(`the chart of the record has too long a ${what}`)
  return words
}

function need(value: string | null, what: string): string {
  if (value === null || value === '') throw new UnreadableRecordError(`the record has no ${what}`)
  return value
}

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null)
/** A tenant's pods can write records: what Flotilla cannot store must not keep it from following them. */
const kept = (value: Json | undefined): string | null => (typeof value === 'string' ? keptText(value) : null)
const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {})
