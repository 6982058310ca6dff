const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const month = `(?<month>${months.join('|')})`;
const time = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';

/** IMF-fixdate, and the two obsolete forms that a recipient must understand: RFC 850's, and that of C's asctime. */
const forms = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`,
  ),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`),
];

/**
 * An HTTP-date (RFC 9110 5.6.7) as milliseconds since 1970; undefined when it is none.
 * @param now which century a year of two digits is meant in: never more than 50 years ahead
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of forms) {
    const groups = form.exec(text)?.groups;
    if (groups !== undefined) return fromGroups(groups, now);
  }
  return undefined;
}

function fromGroups(groups: Readonly<Record<string, string>>, now: number): number | undefined {
  const { year = '', month = '', day = '', hour, minute, second } = groups;
  const fullYear = year.length === 4 ? Number(year) : yearOfTwoDigits(Number(year), now);
  const midnight = Date.UTC(fullYear, months.indexOf(month), Number(day));
  // 31 Feb would become a day in March.
  if (new Date(midnight).getUTCDate() !== Number(day)) return undefined;
  return midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
}

function yearOfTwoDigits(digits: number, now: number): number {
  const present = new Date(now).getUTCFullYear();
  const year = present - (present % 100) + digits;
  return year > present + 50 ? year - 100 : year;
}
