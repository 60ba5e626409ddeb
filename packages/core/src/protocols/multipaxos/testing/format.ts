export { formatMessage, formatValue } from "../format.ts";
