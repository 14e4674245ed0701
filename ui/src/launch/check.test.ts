import { expect, test } from "vitest";
import type { FieldError, JobSpec } from "../api/types";
import { madeName } from "../lib/names";
import cases from "./cases.json";
import { check } from "./check";

const sorted = (errors: FieldError[]) => errors.toSorted((a, b) => a.field.localeCompare(b.field));
const short = (value: unknown) => JSON.stringify(value).slice(0, 90);

test.each(cases.launches.map((one) => [short(one.job), one] as const))("of %s the form says what the API says", (_, one) => {
  // In which order they are is nobody's promise.
  expect(sorted(check(one.job as JobSpec))).toEqual(sorted(one.details));
});

test.each(cases.names)("“$name” of $image is called $made", ({ name, image, made }) => {
  expect(madeName(name, image, "00000")).toBe(made);
});
