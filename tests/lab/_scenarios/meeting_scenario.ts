import { currentHost } from "../../../lib/_host.ts";
import { meeting } from "./meeting.ts";

/** A meeting whose board is a folder. */
export default meeting(import.meta.url, (folder) => {
  const { files } = currentHost();
  return {
    put: (name) => files.open(`${folder}/${name}`, { create: true }).close(),
    names: () => Promise.resolve(files.list(folder)),
  };
});
