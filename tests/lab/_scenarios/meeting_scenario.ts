import { systemHost } from "../../../lib/_host.ts";
import { meeting } from "./meeting.ts";

/** A meeting whose board is a folder. */
export default meeting(import.meta.url, (folder) => ({
  put: (name) => systemHost.files.open(`${folder}/${name}`, { create: true }).close(),
  names: () => Promise.resolve(systemHost.files.list(folder)),
}));
