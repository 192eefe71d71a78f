/** A text as part of a regular expression that means this text. */
export const literal = (text: string): string => text.replace(/[^a-z0-9-]/gi, '\\$&')
