import { expect, test } from 'vitest'
import { normalEmail } from './user.ts'

test.each([
  [' Ada@Example.COM ', 'ada@example.com'],
  ['ada+shop@example.com', 'ada+shop@example.com'],
  ["o'hara@example.com", "o'hara@example.com"],
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
  ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
  ['ada@пример.example', 'ada@xn--e1afmkfd.example'],
  ['ada@উদাহরণ.example', 'ada@xn--d5b6ci4b4b3a.example'],
  ['ada@ｅｘａｍｐｌｅ.com', 'ada@example.com'],
])('%s is %s', (text, expected) => {
  expect(normalEmail(text)).toBe(expected)
})

test.each([
  ...['', '@', 'ada', 'ada@', '@example.com', 'ada@example', 'a@b@example.com', 'ada@exam ple.com', 'a da@example.com'],
  ...['аda@example.com', 'ada\0@example.com', 'ada@1', 'ada@[192.0.2.1]', '"ada"@example.com'],
  ...[
    'ada@bü cher.example',
    'ada@бü\0.example',
    'ada@ü.example/x',
    'ada@ü%41.example',
    'ada@ü:80.example',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'ü'.repeat(250)}.example`,
  ],
])('%j is no address', (text) => {
  expect(normalEmail(text)).toBeUndefined()
})
