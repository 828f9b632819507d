/**
 * US dollars for an hour of an interface endpoint in one zone of us-east-1, without data processed; other regions differ.
 * Source: "AWS PrivateLink pricing", aws.amazon.com/privatelink/pricing, table of November 2026.
 */
const HOUR = 0.01;
/** As AWS counts a month in its estimates. */
const HOURS = 730;

/** US dollars a month. */
export function monthlyPrice(interfaceEndpoints: number, zones: number): number {
  return interfaceEndpoints * zones * HOURS * HOUR;
}
