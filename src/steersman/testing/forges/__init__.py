"""Strict doubles of GitHub, GitLab and Gitea over one small Git in memory. They refuse what the real ones refuse."""

from steersman.testing.forges.gitea import GiteaDouble
from steersman.testing.forges.github import GitHubDouble
from steersman.testing.forges.gitlab import GitLabDouble
from steersman.testing.forges.hub import Hub, Repo

__all__ = ["GitHubDouble", "GitLabDouble", "GiteaDouble", "Hub", "Repo"]
