import { type Document, parseAllDocuments, type ScalarTag, type Tags } from 'yaml'

const binary: ScalarTag = {
  tag: 'tag:yaml.org,2002:binary',
  resolve: (text) => Buffer.from(text, 'base64').toString(),
}

/** Go takes it beside the `010` of YAML 1.1. */
const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0o[0-7]+$/,
  resolve: (text) => Number.parseInt(text.replace('0o', ''), 8),
}

/** A number has a digit before its point or right behind it: for helm `e7` is a name, and `.` a text. */
const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+|\.[0-9][0-9_]*[eE][-+]?[0-9]+|[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/,
  resolve: (text) => Number.parseFloat(text.replaceAll('_', '')),
}

/**
 * YAML as helm reads it: version 1.1 with `<<`, whatever a document declares; dates and times stay the text that they
 * are, and binary is the text that it encodes. Every reader of charts and manifests takes these options, or what one of
 * them hides, another one shows. No warnings: they quote the text, and it may hold values.
 */
export const helmYaml = {
  schema: 'yaml-1.1',
  merge: true,
  resolveKnownTags: false,
  logLevel: 'error',
  customTags: (tags: Tags) => [
    ...tags.filter((tag) => typeof tag === 'string' || isJsonTag(tag)),
    float,
    binary,
    octal,
  ],
} as const

/** The documents of a manifest; each says itself what is wrong with it. As for helm, of equal keys the last one counts. */
export function parseManifestDocuments(text: string): readonly Document.Parsed[] {
  return parseAllDocuments(text, { ...helmYaml, uniqueKeys: false })
}

/** Of its own tags for floats only the one of words stays. */
const jsonTags = ['null', 'bool', 'int', 'merge', 'str', 'map', 'seq']

type Tag = { readonly tag: string; readonly format?: string | undefined; readonly test?: RegExp | undefined }

const isJsonTag = (tag: Tag): boolean =>
  isWordOfFloat(tag) || (tag.format !== 'TIME' && jsonTags.some((name) => tag.tag === `tag:yaml.org,2002:${name}`))

const isWordOfFloat = ({ tag, test }: Tag): boolean => tag === float.tag && test?.test('.inf') === true
