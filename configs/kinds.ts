/** The kinds of values that settings have. They may come as text, because `${NAME}` always gives text. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseTimestamp } from '../domain/watermark';

/** What a person has to know of a setting. */
interface Facts {
  unit?: string;
  why: string;
}

export const text = (
  fallback: string,
  facts: Facts,
  { form = /^\P{Cc}*$/u, must = 'must have no control characters' } = {},
) =>
  z
    .union([z.string(), z.number()])
    .transform(String)
    .pipe(z.string().min(1).regex(form, must))
    .default(fallback)
    .meta({ ...facts });

export const number = (
  fallback: number,
  range: { min: number; max: number; int?: boolean },
  facts: Facts,
) => {
  const base = z.number().min(range.min).max(range.max);
  return z
    .union([z.number(), z.string().regex(/^\d+(\.\d+)?$/, 'must be a number')])
    .transform(Number)
    .pipe(range.int === false ? base : base.int())
    .default(fallback)
    .meta({ ...facts });
};

export const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]);

/** Text that may be missing, or empty as an unset variable gives it. */
export const optionalText = (why: string) =>
  z
    .string()
    .regex(/^\P{Cc}*$/u, 'must have no control characters')
    .optional()
    .transform((value) => (value === '' ? undefined : value))
    .meta({ why });

const isPem = (value: string) => value.includes('-----BEGIN ');

/** Read once, when the settings are. */
const pem = z.string().transform((value, context) => {
  if (isPem(value)) return value;
  try {
    const content = readFileSync(value, 'utf8');
    if (isPem(content)) return content;
  } catch {
    // said below
  }
  context.addIssue('must be PEM text (-----BEGIN …), or a file of it that can be read');
  return z.NEVER;
});

export const tls = z
  .union([
    flag,
    z.strictObject({
      ca: pem.optional(),
      cert: pem.optional(),
      key: pem.optional(),
      rejectUnauthorized: flag.optional(),
    }),
  ])
  .default(false);

const portOf = (broker: string) => Number(broker.slice(broker.lastIndexOf(':') + 1));

export const brokers = z
  .union([z.string(), z.array(z.string())])
  .default('127.0.0.1:9092')
  .transform((value) => (Array.isArray(value) ? value : value.split(',')).map((broker) => broker.trim()))
  .refine(
    (list) =>
      list.length > 0 &&
      list.every((broker) => /^[^\s:].*:\d{1,5}$/.test(broker) && portOf(broker) <= 65_535),
    {
      message: 'must be host:port, or several separated by commas',
    },
  )
  .meta({ why: 'bootstrap addresses, host:port, a list or separated by commas' });

export const timestamp = z.string().refine((value) => parseTimestamp(value) !== undefined, {
  message: 'must be a timestamp such as 2025-11-18 00:00:00',
});
