import { realpath } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { absentWhere } from '../../../shared/error-code';

/**
 * Throws where a directory below `root`, or what it is to be made in, leads out of it by a symbolic link: what is done there would be
 * done to the files of somebody else. The root itself may be a link. Cheap: asked before each step that writes or removes.
 */
export async function requireWithin(root: string, directory: string): Promise<void> {
  const home = await absentWhere(['ENOENT', 'ENOTDIR'], realpath(root));
  if (home === undefined) return;
  let target: string | undefined;
  for (let at = directory; target === undefined && at !== root && at !== dirname(at); at = dirname(at))
    target = await absentWhere(['ENOENT', 'ENOTDIR'], realpath(at));
  if (target === undefined || target === home || target.startsWith(home === sep ? sep : `${home}${sep}`))
    return;
  throw new Error(
    `${directory} leads out of ${root}, to ${target}: nothing is written or removed there. Put a directory in the place of that ` +
      'symbolic link; what was stopped by it goes on by itself',
  );
}
