#!/usr/bin/env node
import { endWhenNobodyReads, main } from "../dist/main.js";

endWhenNobodyReads();
process.exitCode = await main(process.argv.slice(2));
