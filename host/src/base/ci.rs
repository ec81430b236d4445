//! Which commit a pipeline says that a change is to be merged into. A function of environment variables that the
//! services document; nothing here looks at a repository.
//!
//! What a pipeline says counts without anybody's asking for it: a team that forgets a flag must not have changes
//! that judge themselves. Only names of branches on the server and commits that the service itself made out are
//! taken: what a change can choose, its own branch and where it branched off, says nothing about the policy.

/// A pipeline of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The service, for people.
    pub service: &'static str,
    /// Names of the commit that the change is to be merged into; the first that the repository has is taken.
    pub references: Vec<String>,
    /// The branch, as `git fetch` wants it. None: the service does not say which it is, so nothing judges the change.
    pub branch: Option<String>,
}

impl Pipeline {
    /// The command that brings the branch to where it is looked for. A shallow clone knows of its own branch only, so both
    /// names are given. None: the branch's name says something to a shell.
    pub fn fetch(&self) -> Option<String> {
        let branch = self.branch.as_ref()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let is_plain = branch.chars().all(plain) && !branch.starts_with('-');
        is_plain.then(|| format!("git fetch --depth=1 origin +refs/heads/{branch}:refs/remotes/origin/{branch}"))
    }
}

/// A variable that holds a branch's name, and how one sees that the pipeline is a change's.
struct Service {
    name: &'static str,
    /// Set in pipelines of changes only; with values, set to one of them.
    when: (&'static str, &'static [&'static str]),
    branch: &'static str,
    /// Holds the target branch's newest commit, where the service says it.
    commit: Option<&'static str>,
}

const SERVICES: [Service; 9] = [
    Service {
        name: "GitHub",
        when: (
            "GITHUB_EVENT_NAME",
            &[
                "pull_request",
                "pull_request_target",
                "pull_request_review",
                "pull_request_review_comment",
                "merge_group",
            ],
        ),
        branch: "GITHUB_BASE_REF",
        commit: None,
    },
    Service {
        name: "GitLab",
        when: ("CI_MERGE_REQUEST_IID", &[]),
        branch: "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        commit: Some("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"),
    },
    Service { name: "Jenkins", when: ("CHANGE_ID", &[]), branch: "CHANGE_TARGET", commit: None },
    Service {
        name: "Azure Pipelines",
        when: ("BUILD_REASON", &["PullRequest"]),
        branch: "SYSTEM_PULLREQUEST_TARGETBRANCH",
        commit: None,
    },
    Service {
        name: "Bitbucket",
        when: ("BITBUCKET_PR_ID", &[]),
        branch: "BITBUCKET_PR_DESTINATION_BRANCH",
        commit: None,
    },
    Service {
        name: "Buildkite",
        when: ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", &[]),
        branch: "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
        commit: None,
    },
    Service {
        name: "Drone",
        when: ("DRONE_BUILD_EVENT", &["pull_request"]),
        branch: "DRONE_TARGET_BRANCH",
        commit: None,
    },
    Service {
        name: "Woodpecker",
        when: ("CI_PIPELINE_EVENT", &["pull_request"]),
        branch: "CI_COMMIT_TARGET_BRANCH",
        commit: None,
    },
    Service { name: "Travis", when: ("TRAVIS_EVENT_TYPE", &["pull_request"]), branch: "TRAVIS_BRANCH", commit: None },
];

/// The change that a pipeline is about, if it is about one. `get` reads a variable.
pub fn pipeline(get: &dyn Fn(&str) -> Option<String>) -> Option<Pipeline> {
    let set = |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    SERVICES.iter().find_map(|service| {
        let (variable, values) = service.when;
        let value = set(variable)?;
        if !values.is_empty() && !values.contains(&value.as_str()) {
            return None;
        }
        let queue = || queue_of(&set("GITHUB_REF")?);
        let branch = set(service.branch).or_else(|| if value == "merge_group" { queue() } else { None });
        let branch = branch.map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned());
        let commit =
            service.commit.and_then(set).filter(|id| id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        let mut references: Vec<String> = commit.into_iter().collect();
        references.extend(branch.iter().map(|branch| format!("refs/remotes/origin/{branch}")));
        Some(Pipeline { service: service.name, references, branch })
    })
}

/// The branch that a merge queue of GitHub's merges into: `refs/heads/gh-readonly-queue/main/pr-12-…` is for `main`.
fn queue_of(reference: &str) -> Option<String> {
    let rest = reference.strip_prefix("refs/heads/gh-readonly-queue/")?;
    rest.rfind("/pr-").map(|end| rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<(&'static str, Vec<String>)> {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        pipeline(&get).map(|pipeline| (pipeline.service, pipeline.references))
    }

    #[test]
    fn each_service_says_it_in_its_own_way() {
        let main = || vec!["refs/remotes/origin/main".to_owned()];
        assert_eq!(of(&[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")]), Some(("GitHub", main())));
        let sha = "a".repeat(40);
        let gitlab = [
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", sha.as_str()),
        ];
        assert_eq!(of(&gitlab), Some(("GitLab", vec![sha.clone(), main().remove(0)])));
        assert_eq!(of(&gitlab[..2]), Some(("GitLab", main())));
        assert_eq!(of(&[("CHANGE_ID", "PR-1"), ("CHANGE_TARGET", "main")]), Some(("Jenkins", main())));
        let azure = [("BUILD_REASON", "PullRequest"), ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main")];
        assert_eq!(of(&azure), Some(("Azure Pipelines", main())));
    }

    #[test]
    fn the_command_is_for_a_shell() {
        let fetch =
            |branch: &str| Pipeline { service: "GitHub", references: Vec::new(), branch: Some(branch.into()) }.fetch();
        assert_eq!(
            fetch("release/1.x").as_deref(),
            Some("git fetch --depth=1 origin +refs/heads/release/1.x:refs/remotes/origin/release/1.x")
        );
        assert_eq!(fetch("x;date"), None);
        assert_eq!(fetch("$(date)"), None);
    }

    #[test]
    fn other_pipelines_are_no_changes() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("GITHUB_EVENT_NAME", "push"), ("GITHUB_BASE_REF", "")]), None);
        assert_eq!(of(&[("CI_COMMIT_BRANCH", "main")]), None);
        assert_eq!(of(&[("TRAVIS_EVENT_TYPE", "push"), ("TRAVIS_BRANCH", "main")]), None);
    }

    #[test]
    fn a_change_that_does_not_say_where_it_goes_is_a_change_all_the_same() {
        for variables in [
            &[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "")][..],
            &[("GITHUB_EVENT_NAME", "pull_request_review")],
            &[("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_REF", "refs/heads/other")],
            &[("CI_MERGE_REQUEST_IID", "7")],
            &[("CHANGE_ID", "PR-1")],
        ] {
            assert!(of(variables).is_some_and(|(_, references)| references.is_empty()), "{variables:?}");
        }
        let queue =
            [("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_REF", "refs/heads/gh-readonly-queue/rel/1/pr-7-ab")];
        assert_eq!(of(&queue), Some(("GitHub", vec!["refs/remotes/origin/rel/1".to_owned()])));
    }
}
