import { tagOf } from './etag.ts'

/** A body that several reads answer with: its JSON text and its `ETag` are made once. It must not change any more. */
export class SharedAnswer<T> {
  readonly value: T
  #text: string | null = null
  #tag: string | null = null

  constructor(value: T) {
    this.value = value
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.value)
    return this.#text
  }

  get tag(): string {
    this.#tag ??= tagOf(this.text)
    return this.#tag
  }
}

export const sharedAnswer = <T>(value: T): SharedAnswer<T> => new SharedAnswer(value)

/** The JSON text of a body; empty when there is none. */
export function jsonText(body: unknown): string {
  if (body instanceof SharedAnswer) return body.text
  return body === undefined ? '' : JSON.stringify(body)
}
