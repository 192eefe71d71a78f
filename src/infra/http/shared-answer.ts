/** A body that several requests answer with: its JSON text is made once. It must not change any more. */
export class SharedAnswer<T> {
  readonly value: T
  #text: string | null = null

  constructor(value: T) {
    this.value = value
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.value)
    return this.#text
  }
}

export const sharedAnswer = <T>(value: T): SharedAnswer<T> => new SharedAnswer(value)

/** The JSON text of a body; empty when there is none. */
export function jsonText(body: unknown): string {
  if (body instanceof SharedAnswer) return body.text
  return body === undefined ? '' : JSON.stringify(body)
}
