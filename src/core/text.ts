/** The NUL character and halves of surrogate pairs: neither PostgreSQL nor Kubernetes keeps them. */
const broken = /[\0\p{Surrogate}]/u

/** True for text that is kept as it is. */
export const isText = (text: string): boolean => !broken.test(text)

/** Text from outside as it can be kept: what cannot be becomes U+FFFD. */
export const keptText = (text: string): string => text.replace(new RegExp(broken, 'gu'), '\ufffd')

/** Whether a text contains another, whatever the case of either: what lists do with `q` (`contains` in SQL). */
export const isPartOf = (part: string, text: string): boolean => text.toLowerCase().includes(part.toLowerCase())
