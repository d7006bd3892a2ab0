import { isSecretField } from './secret-fields.ts'
import { maskSecretValues } from './secret-values.ts'

const MASK = '***'

/** A text of whatever origin, such as an error's, as it may be kept and shown: what is a secret by its form or by the name of its field is replaced by `***`. */
export function maskText(text: string): string {
  return maskSecretValues(maskFields(text))
}

/** "name": "value" or "name": 12, closed or cut off. Names are bounded, so that no text makes this slow. */
const JSON_FIELD = /("([\w.-]{1,64})"\s{0,8}:\s{0,8})(?:"(?:[^"\\]|\\.)*"?|[-\w.]+)/g
/** The same within a JSON string: \"name\": \"value\". */
const NESTED_JSON_FIELD = /(\\"([\w.-]{1,64})\\"\s{0,8}:\s{0,8})(?:\\"[^"\\]*(?:\\")?|[-\w.]+)/g
/** name=value of a form, a query or a cookie; also name[]=value. */
const FORM_FIELD = /(?<![\w.-])([\w.-]{1,64})((?:\[\]|%5B%5D)?=)([^&\s"'<>;]+)/gi
/** A part of multipart/form-data. */
const MULTIPART_FIELD = /(name="([\w.-]{1,64})"(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n)([^\r\n]+)/g
/** A header line: the value reaches to the end of the line. */
const HEADER_LINE = /^([\w-]{1,64})(:[ \t]{0,8})([^\r\n"]+)/gm

/** The text with the values of fields named like a secret replaced by `***`: in JSON, forms, queries, multipart parts and header lines. */
export function maskFields(text: string): string {
  return text
    .replace(JSON_FIELD, (all, before: string, name: string) => (isSecretField(name) ? `${before}"${MASK}"` : all))
    .replace(NESTED_JSON_FIELD, (all, before: string, name: string) => {
      return isSecretField(name) ? `${before}\\"${MASK}\\"` : all
    })
    .replace(MULTIPART_FIELD, (all, before: string, name: string) => (isSecretField(name) ? before + MASK : all))
    .replace(FORM_FIELD, (all, name: string, equals: string) => (isSecretField(name) ? name + equals + MASK : all))
    .replace(HEADER_LINE, (all, name: string, colon: string) => (isSecretField(name) ? name + colon + MASK : all))
}
