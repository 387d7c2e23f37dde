import { scenarios, testScenario } from "../../lab/mod.ts";

for (const scenario of scenarios) testScenario(scenario);
